// Loaded before the suite: a mock server that asks for no address listens on 127.0.0.1 instead of every interface.
// The hook sits below `listen`, because a host name there makes listening asynchronous, and the suite reads the port
// right after.
"use strict";

const { Server } = require("node:net");

const listen = Server.prototype._listen2;
if (typeof listen !== "function") {
  throw new Error("this version of Node has no net.Server.prototype._listen2; adapt xtask/conformance/loopback.js");
}

Server.prototype._listen2 = function (address, port, addressType, ...rest) {
  return address ? listen.call(this, address, port, addressType, ...rest) : listen.call(this, "127.0.0.1", port, 4, ...rest);
};
