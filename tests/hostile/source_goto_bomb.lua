-- expect: load
goto nowhere
function schedule() end
