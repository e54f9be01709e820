"""The network in the browser: a folder of static files, whose page restyles photos where they are."""
