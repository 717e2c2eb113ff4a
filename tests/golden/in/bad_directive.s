.macro x
