// Subset of @tabler/core's CSS: drops what Firm Portal's pages never use. Run: node subset.mjs tabler.css out.css
import fs from "node:fs";
import postcss from "postcss";
const drop = /^\.(form-check|form-switch|callout|empty|skip|status|steps|step-|placeholder|modal|bg-pattern|link-underline|link-offset|focus-ring|card-tabs|table-mobile|modal-fullscreen|text-bg-(?!primary)|row-cols-\w+-|nav-segmented|list-group-horizontal|btn-group-vertical|grid|navbar|page-(?!item|link)|ribbon|carousel|switch-icon|icon-white|signal|calendar|fc-|markdown|prose|sparkline|chart|theme-|mention|float|chat|signature|img-|dropstart|dropend|dropup|accordion|toast|popover|bs-popover|tooltip|bs-tooltip|offcanvas|sortable|otp|input-icon|tag|legend|strength|form-(imagecheck|colorinput|selectgroup|fieldset|floating|range|colorinput|rating|check-highlight|tagselect)|btn-(facebook|twitter|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|apple|linkedin|whatsapp|discord|tiktok|snapchat|telegram|reddit|spotify|medium|azure|indigo|purple|pink|orange|yellow|lime|teal|cyan|blue|green|red|muted|dark|light|white|black|gray|floating|animate|progress)|(bg|text|border|link|alert|badge|btn-outline|status|table|list-group-item|list-item|nav|steps|avatar|card|btn-ghost|ribbon|progress|stamp|legend|status-dot|shadow)-(facebook|twitter|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|apple|linkedin|azure|indigo|purple|pink|orange|lime|teal|cyan|cobalt|violet|gray-\d+|gradient)|bg-gradient|hugerte|tox|apexcharts|apx|litepicker|ts-|jsvectormap|jvm|plyr|dropzone|dz-|noUi|nouislider|fslightbox|fslb|gl-|driver|star-rating|gl|clr|vc|color-input|space-y-reverse|tracking|columns|column-|ratio|object|divide|layout|body-|payment|flag|pricing|hero|section|browser|shape|app-|social|datagrid-none|video|progressbg|placeholder-(?!col|glow|wave)|dimmer|loader|list-timeline|timeline|segmented|was-validated|is-valid|valid-|hr-text|kbd-none|opacity|order|offset|z-|blur|backdrop|inset|scroll|mask|turbo|stretched|animated|bs-dark|bs-light|settings|offline|input-group-flat-none|typed|empty-bg|card-rotate|card-stamp|card-img|card-sponsor|avatar-upload|row-deck-none|cropped|demo|theme|blockquote)/;
const root = postcss.parse(fs.readFileSync(process.argv[2], "utf8"));
root.walkComments((c) => { if (!/Tabler v/.test(c.text)) c.remove(); });
root.walkAtRules("font-face", (a) => a.remove());
root.walkRules((rule) => {
  if (rule.parent.type === "atrule" && /keyframes/.test(rule.parent.name)) return;
  const kept = rule.selectors.filter((selector) => {
    if (/body\[data-(bs-)?theme|\[data-theme=|\.theme-dark|\[dir=rtl\]|:lang|\.was-validated|:(in)?valid\b/.test(selector)) return false;
    return !(selector.match(/\.[a-zA-Z][\w-]*/g) || []).some((c) => drop.test(c));
  });
  if (kept.length) rule.selectors = kept; else rule.remove();
});
root.walkAtRules("media", (a) => { if (/min-width:1400px|max-width:1399/.test(a.params)) a.walkRules(/-xxl/, (r) => r.remove()); });
const keyframes = new Set(); root.walkDecls(/animation/, (d) => d.value.split(/[\s,]+/).forEach((v) => keyframes.add(v)));
root.walkAtRules(/keyframes/, (a) => { if (!keyframes.has(a.params)) a.remove(); });
// Custom properties that nothing reads any more, until none is left.
for (let removed = 1; removed; ) {
  removed = 0;
  const read = new Set([...root.toString().matchAll(/var\((--[\w-]+)/g)].map((m) => m[1]));
  root.walkDecls(/^--/, (d) => { if (!read.has(d.prop)) { d.remove(); removed++; } });
}
for (let i = 0; i < 3; i++) { root.walkRules((r) => { if (!r.nodes.length) r.remove(); }); root.walkAtRules("media", (a) => { if (!a.nodes.length) a.remove(); }); }
fs.writeFileSync(process.argv[3], root.toString());
