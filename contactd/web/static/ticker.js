// Ticks for live.js: a worker's timers go on in a tab nobody looks at, a page's are held back there.
"use strict";
setInterval(() => postMessage(0), 1000);
