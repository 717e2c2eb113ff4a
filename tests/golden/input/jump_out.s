{ flow: jump 7 }
{ flow: jump -1 }
