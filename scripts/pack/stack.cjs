'use strict';
// The entry of the packed `src/stack/serverless.cjs`, to which stack.yml refers.
require('./old-node.cjs').completeNode();
module.exports = require('../../src/stack/serverless.cjs');
