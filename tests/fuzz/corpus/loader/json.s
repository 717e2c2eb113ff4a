1{ valu: ["vsub", 1, {"b": 1, "a": ["#;}"]}]; ["+", 1,
 2, 3]
 debug: ["mark"]; comment "}#"; compare 1, [1, "x"]; vcompare 8, [1, [2], "b"]; comment null }