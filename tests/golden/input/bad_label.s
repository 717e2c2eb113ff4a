{ flow: jump @later }
