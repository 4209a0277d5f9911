"""What each TeXML verb orders, and the documents that put them in a row."""
