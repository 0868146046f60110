-- expect: timeout
local even, odd
function even(n) return odd(n + 1) end
function odd(n) return even(n + 1) end
function schedule() return even(0) end
