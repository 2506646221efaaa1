'use strict';
// In the package, stack.yml refers to this file, and plugin.cjs beside it is a bundle.
module.exports = require('./plugin.cjs').stack;
