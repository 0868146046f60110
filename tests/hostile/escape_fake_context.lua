-- expect: decision|error|invalid
function schedule(context)
    return platform.schedule({ queue = { { id = 'job-x' } }, workers = {} })
end
