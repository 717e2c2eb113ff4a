.name i 0
{ alu: + i, i, one }
