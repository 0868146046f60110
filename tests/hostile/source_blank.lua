-- expect: load raw
   

	
