1.name i 0
.name "odd \"one" 8 8
.name i 3
.name alu 9 2
.name j 0 1
{ alu: + i, "odd \"one"+2, alu+1; load: load i, 0x5 }
