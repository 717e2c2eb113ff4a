{ alu:  }
