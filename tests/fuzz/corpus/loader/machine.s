1.machine vlen=4 scratch=64 cores=2 alu=1 debug=3
{}{alu:}
