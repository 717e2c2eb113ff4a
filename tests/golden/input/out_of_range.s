.name last 1535
{ load: const last, 1; const 1536, 1 }
{ alu: + 0, last+1, -1; valu: vbroadcast last, last }
