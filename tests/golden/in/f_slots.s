{ flow: halt; halt }
