again:
{ alu: + 0, 0, 0 }
{ flow: jump @again }
