{ alu: + x, 1, 2 }
