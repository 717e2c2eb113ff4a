{ load: const 1, 0x }
