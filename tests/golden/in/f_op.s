{ valu: ["vsub", 0, 8, 16] }
