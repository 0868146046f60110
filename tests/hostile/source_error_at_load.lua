-- expect: load
error('no')
