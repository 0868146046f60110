-- expect: load
x = [==[ never closed
