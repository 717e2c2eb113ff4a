{ flow: jump_indirect 0 }
