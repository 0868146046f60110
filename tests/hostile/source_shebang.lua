-- expect: load|decision raw
#!/usr/bin/lua
function schedule() end
