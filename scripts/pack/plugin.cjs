'use strict';
// The entry of the packed plugin of the Serverless framework. It also holds the values for stack.yml, because both read replication.yml.
require('./old-node.cjs').completeNode();
module.exports = require('../../src/stack/plugin.cjs');
module.exports.stack = require('../../src/stack/serverless.cjs');
