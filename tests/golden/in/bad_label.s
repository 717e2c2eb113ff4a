{ flow: jump @nowhere }
