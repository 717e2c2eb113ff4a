# Two cores: each stores its number, the second one divides by zero.
.machine cores=2
.name me 0
.name one 1
.name at 2
.name "the quotient" 3
{ flow: coreid me; load: const one, 1 }
{ alu: + at, me, one; flow: pause }
{ store: store at, one }
{ alu: - me, one, me }
{ alu: // "the quotient", one, me }
