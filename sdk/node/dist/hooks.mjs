import { createRequire as r } from 'node:module';const require = r(import.meta.url), __dirname = import.meta.dirname;
var F=(n=>typeof require<"u"?require:typeof Proxy<"u"?new Proxy(n,{get:(e,t)=>(typeof require<"u"?require:e)[t]}):n)(function(n){if(typeof require<"u")return require.
apply(this,arguments);throw Error('Dynamic require of "'+n+'" is not supported')});import le from"node:child_process";import{appendFileSync as fe}from"node:fs";function $(n,e){let[t="",...r]=n;return s=>{let i=JSON.stringify({v:2,node:process.versions.node,...s}),o=e().spawnSync(t,[...r,i],{encoding:"utf8",maxBuffer:268435456,
stdio:["ignore","pipe","pipe"],windowsHide:!0}),[a=""]=Object.values(s);if(o.error)throw new Error(`${a}: cannot run ${t}, which compiles TypeScript: ${o.error.
message}`);if(o.status!==0){let d=o.stderr.trim()||`${t} exited with ${o.signal??`code ${o.status}`}`;throw new SyntaxError(d.includes(a)?d:`${a}: ${d}`)}try{let d=JSON.
parse(o.stdout);if(typeof d=="object"&&d!==null)return d}catch{}throw new Error(`${a}: ${t} printed no JSON object, so the file cannot be loaded: is it the fulc\
rum that started this process?`)}}import{readFileSync as te}from"node:fs";var J;function c(){return J??=F("node:module")}function j(n){return n.startsWith("node:")||c().isBuiltin(n)}var E=/^\/[\w/.@-]*$/;function m(n){return E.test(n)?
`file://${n}`:F("node:url").pathToFileURL(n).href}function f(n){let e=n.slice(7);return E.test(e)?e:F("node:url").fileURLToPath(n)}import{readFileSync as D}from"node:fs";var B;var I=n=>B?.internalModule(n);var y=class{aliases=!1;maps=!1;#e=new Map;#t={import:new Map,require:new Map};#n=new Set;#r=new Set;#s=new Set;add(e){e.aliases&&(this.aliases=!0),e.maps&&(this.
maps=!0);for(let t of e.inputs??[])this.#r.add(t);for(let[t,r]of Object.entries(e.files??{}))this.#e.set(t,r),this.#n.add(t),this.#s.add(h(t));this.#i("import",
e.imports),this.#i("require",e.requires)}#i(e,t){for(let[r,s]of Object.entries(t??{})){this.#n.add(r),this.#t[e].set(r,new Map(Object.entries(s)));for(let i of Object.
values(s))this.#n.add(i)}}file(e){return this.#e.get(e)}target(e,t,r){return this.#t[e].get(t)?.get(r)}setTarget(e,t,r,s){let i=this.#t[e],o=i.get(t)??new Map;i.
set(t,o.set(r,s))}knows(e){return this.#n.has(e)}setKnown(e){this.#n.add(e)}has(e){return this.#s.has(e)}inputs(){return this.#r}};function h(n){let e=n.lastIndexOf(
".");return e>n.lastIndexOf("/")+1?n.slice(e):""}var z=/\.(?:[mc]?ts|tsx|jsx)$/;function l(n){return z.test(n)}function u(n){return n.includes("/node_modules/")}function C(n,e,t){let r=I("internal/deps/cjs-module-lexer/lexer")?.parse??X,s=new Set,i=new Set,o=(d,g)=>{if(!i.has(d)){i.add(d);try{let x=r(g);for(let v of x.exports)
s.add(v);for(let v of x.reexports)a(c().createRequire(d).resolve(v))}catch{}}},a=d=>{if(!d.startsWith("/"))return;let g=!u(d)&&t.covers(d)?t.load(d):void 0;if(g?.
exports)for(let x of g.exports)s.add(x);else o(d,g?.code??D(d,"utf8"))};return o(n,e),[...s]}var Y=new RegExp([String.raw`//.*|/\*[\s\S]*?\*/`,String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,
String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,
String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`+"`(?:[^`\\\\]|\\\\[\
\\s\\S])*`"].join("|"),"gi");function X(n){let e=new Set,t=new Set;for(let{index:r,0:s,groups:i={}}of n.matchAll(Y)){let o=i.dotted??i.keyed??i.defined;o!==void 0&&
e.add(o),i.star!==void 0&&t.add(i.star),i.whole!==void 0&&(t=new Set([i.whole])),i.literal!==void 0&&V(n,r+s.length,e,t)}return{exports:e,reexports:t}}var G=/\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;
function V(n,e,t,r){let s=new RegExp(G);s.lastIndex=e;let i=0,o=!0;for(let a=s.exec(n);a;a=s.exec(n)){let[d]=a;if(!(d.startsWith("//")||d.startsWith("/*"))){if(/^[)\]}]$/.
test(d)&&--i<0)return;if(o&&a.groups?.spread!==void 0)r.add(a.groups.spread);else{if(o&&/^(?:get|set|async)$/.test(d)&&/^\s+[\w$]/.test(n.slice(s.lastIndex)))continue;
o&&/^[\w$]/.test(d)?t.add(d):o&&/^['"]/.test(d)&&t.add(d.slice(1,-1))}/^[([{]$/.test(d)&&i++,o=i===0&&d===","}}}var Z=`
//# sourceURL=node:internal/modules/esm/translators`,A=n=>n!=="default"&&n!=="module.exports"&&ee(n);function ee(n){try{return encodeURIComponent(n),!0}catch{return!1}}
function T(n,e,t=!1){let r=[...new Set(e)].filter(A),s=parseInt(process.versions.node,10)>=23?',e as"module.exports"':"";return`import m from"node:module";const\
 e=m._load(${JSON.stringify(n)}${t?",null,true":""});const v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${r.map((i,o)=>`con\
st x${o}=v(${JSON.stringify(i)});`).join("")}export{e as default${s}${r.map((i,o)=>`,x${o} as ${JSON.stringify(i)}`).join("")}};${Z}`}function N(n,e){let t=[];try{
let r=JSON.parse(e.replace(/^\uFEFF/,""));typeof r=="object"&&r!==null&&!Array.isArray(r)&&(t=Object.keys(r))}catch{}return T(n,t).replace(',e as"module.exports\
"',"")}function _(n,e){return`${n}
if(0){${e.filter(A).map(t=>`exports[${JSON.stringify(t)}]=0;`).join("")}}`}var S=class{#e;#t;#n=new Set;#r;constructor(e,t){this.#e=e,this.#t=t}query(e,t){return{specifier:e,importer:t?.startsWith("file:")?f(w(t)):void 0,kind:"import"}}before(e){
return L(this.#t.before(e))}afterFailure(e){return L(this.#t.afterFailure(e))}note(e,t,r,s){t===void 0&&(this.#r??=r),s?.type===void 0&&e.importer!==void 0&&w(r).
endsWith(".json")&&!u(e.importer)&&this.#n.add(r)}load(e,t){if(!e.startsWith("file:"))return;let r=w(e);if(this.#n.has(e)&&t?.type===void 0){let o=f(r);return{format:"\
module",source:N(o,te(o,"utf8"))}}let s=this.#s(r),i=s===void 0?void 0:this.#e.load(s);if(!(s===void 0||i===void 0))return i.format==="module"?{format:"module",
source:i.code}:{format:"module",source:T(s,this.#i(s,i),e===this.#r)}}loadRequired(e,t){let r=this.#s(w(e)),s=r===void 0?void 0:this.#e.load(r);if(!(r===void 0||
s===void 0))return{format:s.format,source:s.format==="module"||!t?s.code:_(s.code,this.#i(r,s))}}#s(e){if(!e.startsWith("file:")||u(e)&&!l(e))return;let t=f(e);
return this.#e.covers(t)?t:void 0}#i(e,t){return t.exports??C(e,t.code,this.#e)}};function L(n){return n&&m(n.path)+n.suffix}function w(n){let e=n.search(/[?#]/);
return e<0?n:n.slice(0,e)}import{isAbsolute as ne,resolve as P,dirname as re}from"node:path";var se={".js":[".ts",".tsx"],".mjs":[".mts"],".cjs":[".cts"],".jsx":[".tsx"]},b=class{#e;constructor(e){this.#e=e}knows(e){return this.#e.table.knows(e)}before(e){
let{importer:t,kind:r}=e;if(t===void 0)return;let{table:s}=this.#e,[i,o]=M(e),a=s.target(r,t,e.specifier)??(o?s.target(r,t,i):this.#t(e));if(a!==void 0&&this.#e.
exists(a))return{path:a,suffix:o};if(!this.#n(e))return;let d=ie(e,i);if(d===void 0)return s.aliases&&!s.knows(t)?this.#s(e):void 0;if(!(!l(t)||this.#r(d)))return this.#i(
e)}afterFailure(e){if(!(e.asked||e.importer===void 0||!this.#n(e)))try{return(this.#e.table.knows(e.importer)?void 0:this.#s(e))??this.#i(e)}catch{return}}entry(e,t){
let r=P(e);return u(r)||c()._findPath(r,[""],!0)?e:this.afterFailure({specifier:r,importer:t,kind:"import"})?.path??e}#t({importer:e="",specifier:t,kind:r}){return r===
"require"&&t.startsWith(".")?this.#e.table.target("import",e,t):void 0}#n({importer:e="",specifier:t}){return!u(e)&&!e.startsWith(`${__dirname}/`)&&!j(t)&&(!/^[a-z][a-z\d+.-]*:/i.
test(t)||t.startsWith("file:"))}#r(e){let t=h(e);if(t==="")return!1;let r=e.slice(0,-t.length);return this.#e.exists(e)&&!se[t]?.some(s=>this.#e.exists(r+s))}#s(e){
let{importer:t="",kind:r}=e,{table:s}=this.#e;s.setKnown(t),this.#e.learn({load:t});let[i,o]=M(e),a=s.target(r,t,e.specifier)??s.target(r,t,i);return a===void 0?
void 0:{path:a,suffix:o}}#i(e){let{importer:t="",kind:r}=e,[s,i]=M(e);e.asked=!0;let{resolved:o}=this.#e.learn({resolve:s,from:t,kind:r});if(typeof o=="string")
return this.#e.table.setTarget(r,t,s,o),{path:o,suffix:i}}};function M({specifier:n,kind:e}){let t=e==="require"?-1:n.slice(1).search(/[?#]/)+1;return t<=0?[n,""]:
[n.slice(0,t),n.slice(t)]}function ie({importer:n="",kind:e},t){let r=/^\.\.?(?:\/|$)/.test(t);try{return e==="require"?r||ne(t)?P(re(n),t):void 0:t.startsWith(
"file:")?f(t):r||t.startsWith("/")?f(new URL(t,m(n)).href):void 0}catch{return}}var oe=new Set(["@fulcrum/domain","fulcrum"]);function H(n){return oe.has(n)}function q(n){let{code:e}=n;return e==="ERR_MODULE_NOT_FOUND"||e==="MODULE_NOT_FOUN\
D"}import{readFileSync as W,statSync as U}from"node:fs";var k=class{ask;#e;#t;#n;#r=new Map;constructor(e,t,r={}){this.#e=e,this.ask=t,this.#n=r}reconfigure(e){this.#e=e,this.#t=void 0}get table(){return this.#t?this.#t:
(this.#t=new y,this.add(ue(this.#e.manifest)),this.#t)}get openTable(){return this.#t}learn(e){let t=this.ask(e);return this.add(t),t}add(e){this.table.add(e),this.#n.
changed?.()}covers(e){return l(e)||this.table.has(h(e))&&this.table.file(e)!==void 0}exists(e){let t=U(e,{throwIfNoEntry:!1});return t?.isFile()?(this.#r.set(e,
t),!0):!1}load(e){let t=this.#s(e);return t&&this.#n.loaded?.(e,t),t}#s(e){let t=this.#r.get(e)??U(e);this.#r.delete(e);let r=this.table.file(e),s=r&&de(r,t,e)?
Q(r):void 0;if(s)return s;this.learn({load:e}),this.table.setKnown(e);let i=this.table.file(e);if(!i){if(u(e)||!l(e))return;throw new SyntaxError(`${e}: the hel\
per returned no code for this file`)}let o=Q(i);if(!o)throw new SyntaxError(`${e}: its compiled code is missing: ${i.code??"no file"} cannot be read; check the \
permissions of the cache directory`);return o}};function de(n,{size:e,mtimeMs:t},r){return e===n.size&&Math.floor(t)===n.mtime_ms||u(r)&&!l(r)}function Q({code:n,
text:e,format:t,exports:r,error:s}){if(s!==void 0)throw new SyntaxError(s);let i={format:t,exports:r??null};if(e!==void 0)return{...i,code:e};try{return n===null?
void 0:{...i,code:ae(W(n,"utf8"))}}catch{return}}var O="sourceMappingURL=";function ae(n){let e=n.lastIndexOf(O,n.length)+O.length;return e>=O.length&&n.startsWith(
"file://",e)?n.slice(0,e)+n.slice(e+7):n}function ue(n){try{let{v:e,...t}=JSON.parse(W(n,"utf8"));return e===2?t:{}}catch{return{}}}var p,R=null;function Be(n){if(R=n.sdk,!n.ts)return;let e=new k(n.ts,$(n.ts.helper,()=>le),{changed:()=>ce(e,n.modules)});p=new S(e,new b(e))}var K=new Set;function ce(n,e){
let t=[...n.table.inputs()].filter(r=>!K.has(r));for(let r of t)K.add(r);if(!(e===null||t.length===0))try{fe(e,`${t.join(`
`)}
`)}catch{}}async function ze(n,e,t){let r=p?.query(n,e.parentURL),s=o=>(r&&p?.note(r,e.parentURL,o.url,e.importAttributes),o),i=r&&p?.before(r);if(i!==void 0)return s(
{url:i,shortCircuit:!0});try{return s(await t(n,e))}catch(o){let a=r&&p?.afterFailure(r);if(a!==void 0)return s({url:a,shortCircuit:!0});if(!R||!q(o)||!H(n))throw o;
return{url:R,format:"module",shortCircuit:!0}}}async function De(n,e,t){let r=p?.load(n,e.importAttributes);return r?{...r,shortCircuit:!0}:t(n,e)}export{Be as initialize,De as load,ze as resolve};
