.name x 0
{ alu: frobnicate x }
