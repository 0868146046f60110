-- expect: error
function schedule(context)
    error('first\27[2J\r\nlevel=error msg=forged\0hidden')
end
