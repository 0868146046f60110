-- expect: load raw repeat=100000
{