-- expect: decision|error
function schedule(context)
    emit_metric('a{b=\"c\"}\n# TYPE evil counter', 1)
    emit_metric(('x'):rep(1000), 0 / 0)
end
