'use strict';
// The entry of the packed plugin of the Serverless framework.
require('./old-node.cjs').completeNode();
module.exports = require('../../src/stack/plugin.cjs');
