-- expect: load raw repeat=30000
x = not not 