# Goes on for ever; nothing writes the word that could be watched.
.name never 7
again:
{ flow: jump @again }
