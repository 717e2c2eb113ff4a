.name n 0
.name q 8 8
.name d 16 8
{ load: const n, 7 }
{ valu: vbroadcast q, n }
{ valu: // q, q, d }
