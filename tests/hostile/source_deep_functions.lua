-- expect: load raw repeat=10000
return function() 