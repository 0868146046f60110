-- expect: load
schedule = 1
