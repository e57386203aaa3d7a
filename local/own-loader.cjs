/**
 * A loader of TypeScript puts itself in the place of Node's own and then looks into every file, packages' too, which are
 * JavaScript that Node loads in a third of the time. Node's own is what is there when this file is loaded.
 */
const Module = require("node:module");

const own = { compile: Module._extensions[".js"], resolve: Module._resolveFilename };

/**
 * Gives Node's own loader its place back for some files and for what they require; called when the other loader has its.
 * @param {(filename: string) => boolean} isPlain whether a file is JavaScript in the form that `require` knows
 */
exports.keepOwnLoader = (isPlain) => {
  const other = { compile: Module._extensions[".js"], resolve: Module._resolveFilename };
  Module._extensions[".js"] = (module, filename) => (isPlain(filename) ? own : other).compile(module, filename);
  Module._resolveFilename = function (request, parent, ...rest) {
    return (parent?.filename && isPlain(parent.filename) ? own : other).resolve.call(this, request, parent, ...rest);
  };
};
