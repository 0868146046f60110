-- expect: load raw repeat=20000
x = x .. 