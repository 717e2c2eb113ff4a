.name t 1
{ load: const t, 1; vload 8, 0 }
{ load: const t, 2; alu: + t, t, t; valu: + 8, 8, 8 }
{ flow: halt }
{}
