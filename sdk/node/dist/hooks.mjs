import { createRequire as r } from 'node:module';const require = r(import.meta.url), __dirname = import.meta.dirname;
var __require=(x=>typeof require<"u"?require:typeof Proxy<"u"?new Proxy(x,{get:(a,b)=>(typeof require<"u"?require:a)[b]}):x)(function(x){if(typeof require<"u")return require.
apply(this,arguments);throw Error('Dynamic require of "'+x+'" is not supported')});import childProcess from"node:child_process";import{appendFileSync}from"node:fs";function helper(command,childProcess2){let[program="",...args]=command;return question=>{let request=JSON.stringify({v:2,node:process.versions.node,...question}),
result=childProcess2().spawnSync(program,[...args,request],{encoding:"utf8",maxBuffer:268435456,stdio:["ignore","pipe","pipe"],windowsHide:!0}),[what=""]=Object.
values(question);if(result.error)throw new Error(`${what}: cannot run ${program}, which compiles TypeScript: ${result.error.message}`);if(result.status!==0){let reason=result.
stderr.trim()||`${program} exited with ${result.signal??`code ${result.status}`}`;throw new SyntaxError(reason.includes(what)?reason:`${what}: ${reason}`)}try{let answer=JSON.
parse(result.stdout);if(typeof answer=="object"&&answer!==null)return answer}catch{}throw new Error(`${what}: ${program} printed no JSON object, so the file can\
not be loaded: is it the fulcrum that started this process?`)}}import{readFileSync as readFileSync2}from"node:fs";function nodeModule(){return __require("node:module")}function isBuiltin(specifier){return specifier.startsWith("node:")||nodeModule().isBuiltin(specifier)}var PLAIN=/^\/[\w/.@-]*$/;
function urlOf(path){return PLAIN.test(path)?`file://${path}`:__require("node:url").pathToFileURL(path).href}function pathOf(url){let path=url.slice(7);return PLAIN.
test(path)?path:__require("node:url").fileURLToPath(url)}import{readFileSync}from"node:fs";var host;var internalModule=id=>host?.internalModule(id);var Table=class{aliases=!1;maps=!1;#files=new Map;#targets={import:new Map,require:new Map};#known=new Set;#inputs=new Set;#extensions=new Set;add(fragment){fragment.
aliases&&(this.aliases=!0),fragment.maps&&(this.maps=!0);for(let input of fragment.inputs??[])this.#inputs.add(input);for(let[path,entry]of Object.entries(fragment.
files??{}))this.#files.set(path,entry),this.#known.add(path),this.#extensions.add(extensionOf(path));this.#addTargets("import",fragment.imports),this.#addTargets(
"require",fragment.requires)}#addTargets(kind,targets){for(let[importer,found]of Object.entries(targets??{})){this.#known.add(importer),this.#targets[kind].set(
importer,new Map(Object.entries(found)));for(let target of Object.values(found))this.#known.add(target)}}file(path){return this.#files.get(path)}target(kind,importer,specifier){
return this.#targets[kind].get(importer)?.get(specifier)}setTarget(kind,importer,specifier,path){let of=this.#targets[kind],targets=of.get(importer)??new Map;of.
set(importer,targets.set(specifier,path))}knows(path){return this.#known.has(path)}setKnown(path){this.#known.add(path)}has(extension){return this.#extensions.has(
extension)}inputs(){return this.#inputs}};function extensionOf(path){let dot=path.lastIndexOf(".");return dot>path.lastIndexOf("/")+1?path.slice(dot):""}var TYPESCRIPT=/\.(?:[mc]?ts|tsx|jsx)$/;
function isTypeScript(path){return TYPESCRIPT.test(path)}function isInPackage(path){return path.includes("/node_modules/")}function namesIn(path,code,files){let parse=internalModule("internal/deps/cjs-module-lexer/lexer")?.parse??findNames,names=new Set,visited=new Set,collect=(file,text)=>{
if(!visited.has(file)){visited.add(file);try{let found=parse(text);for(let name of found.exports)names.add(name);for(let specifier of found.reexports)collectFile(
nodeModule().createRequire(file).resolve(specifier))}catch{}}},collectFile=file=>{if(!file.startsWith("/"))return;let source=!isInPackage(file)&&files.covers(file)?
files.load(file):void 0;if(source?.exports)for(let name of source.exports)names.add(name);else collect(file,source?.code??readFileSync(file,"utf8"))};return collect(
path,code),[...names]}var TOKEN=new RegExp([String.raw`//.*|/\*[\s\S]*?\*/`,String.raw`(?:\bmodule\.|(?<![\w$.]))exports\s*(?:\.\s*(?<dotted>[\w$]+)|\[\s*(?<quote>['"])(?<keyed>.*?)\k<quote>\s*\])\s*=(?!=)`,
String.raw`\bdefineProperty\s*\(\s*(?:module\.)?exports\s*,\s*(?<q2>['"])(?<defined>.*?)\k<q2>`,String.raw`\bmodule\.exports\s*=\s*(?:require\s*\(\s*(?<q3>['"])(?<whole>.*?)\k<q3>|(?<literal>\{))`,
String.raw`\b\w*export_?star\s*\(\s*require\s*\(\s*(?<q4>['"])(?<star>.*?)\k<q4>`,String.raw`'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`+"`(?:[^`\\\\]|\\\\[\
\\s\\S])*`"].join("|"),"gi");function findNames(code){let exports=new Set,reexports=new Set;for(let{index,0:text,groups={}}of code.matchAll(TOKEN)){let name=groups.
dotted??groups.keyed??groups.defined;name!==void 0&&exports.add(name),groups.star!==void 0&&reexports.add(groups.star),groups.whole!==void 0&&(reexports=new Set(
[groups.whole])),groups.literal!==void 0&&addKeys(code,index+text.length,exports,reexports)}return{exports,reexports}}var MEMBER=/\/\/.*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`|\.\.\.\s*require\s*\(\s*(['"])(?<spread>.*?)\1\s*\)|[\w$]+|[([{]|[)\]}]|,|\S/g;
function addKeys(code,start,exports,reexports){let pattern=new RegExp(MEMBER);pattern.lastIndex=start;let depth=0,atKey=!0;for(let match=pattern.exec(code);match;match=
pattern.exec(code)){let[text]=match;if(!(text.startsWith("//")||text.startsWith("/*"))){if(/^[)\]}]$/.test(text)&&--depth<0)return;if(atKey&&match.groups?.spread!==
void 0)reexports.add(match.groups.spread);else{if(atKey&&/^(?:get|set|async)$/.test(text)&&/^\s+[\w$]/.test(code.slice(pattern.lastIndex)))continue;atKey&&/^[\w$]/.
test(text)?exports.add(text):atKey&&/^['"]/.test(text)&&exports.add(text.slice(1,-1))}/^[([{]$/.test(text)&&depth++,atKey=depth===0&&text===","}}}var SOURCE_URL=`
//# sourceURL=node:internal/modules/esm/translators`,isExportable=name=>name!=="default"&&name!=="module.exports"&&encodable(name);function encodable(name){try{
return encodeURIComponent(name),!0}catch{return!1}}function commonjsText(path,names,isMain=!1){let exported=[...new Set(names)].filter(isExportable),whole=parseInt(
process.versions.node,10)>=23?',e as"module.exports"':"";return`import m from"node:module";const e=m._load(${JSON.stringify(path)}${isMain?",null,true":""});con\
st v=(n)=>{try{return Object.prototype.hasOwnProperty.call(e,n)?e[n]:void 0}catch{}};${exported.map((name,index)=>`const x${index}=v(${JSON.stringify(name)});`).
join("")}export{e as default${whole}${exported.map((name,index)=>`,x${index} as ${JSON.stringify(name)}`).join("")}};${SOURCE_URL}`}function jsonText(path,json){
let names=[];try{let value=JSON.parse(json.replace(/^\uFEFF/,""));typeof value=="object"&&value!==null&&!Array.isArray(value)&&(names=Object.keys(value))}catch{}
return commonjsText(path,names).replace(',e as"module.exports"',"")}function withNames(code,names){return`${code}
if(0){${names.filter(isExportable).map(name=>`exports[${JSON.stringify(name)}]=0;`).join("")}}`}var ImportHooks=class{#files;#resolver;#json=new Set;#main;constructor(files,resolver){this.#files=files,this.#resolver=resolver}query(specifier,parentURL){return{
specifier,importer:parentURL?.startsWith("file:")?pathOf(withoutSuffix(parentURL)):void 0,kind:"import"}}before(query){return toUrl(this.#resolver.before(query))}afterFailure(query){
return toUrl(this.#resolver.afterFailure(query))}note(query,parentURL,url,attributes){parentURL===void 0&&(this.#main??=url),attributes?.type===void 0&&query.importer!==
void 0&&withoutSuffix(url).endsWith(".json")&&!isInPackage(query.importer)&&this.#json.add(url)}load(url,attributes){if(!url.startsWith("file:"))return;let bare=withoutSuffix(
url);if(this.#json.has(url)&&attributes?.type===void 0){let path2=pathOf(bare);return{format:"module",source:jsonText(path2,readFileSync2(path2,"utf8"))}}let path=this.#covered(
bare),source=path===void 0?void 0:this.#files.load(path);if(!(path===void 0||source===void 0))return source.format==="module"?{format:"module",source:source.code}:
{format:"module",source:commonjsText(path,this.#names(path,source),url===this.#main)}}loadRequired(url,named){let path=this.#covered(withoutSuffix(url)),source=path===
void 0?void 0:this.#files.load(path);if(!(path===void 0||source===void 0))return{format:source.format,source:source.format==="module"||!named?source.code:withNames(
source.code,this.#names(path,source))}}#covered(bare){if(!bare.startsWith("file:")||isInPackage(bare)&&!isTypeScript(bare))return;let path=pathOf(bare);return this.#files.
covers(path)?path:void 0}#names(path,source){return source.exports??namesIn(path,source.code,this.#files)}};function toUrl(found){return found&&urlOf(found.path)+
found.suffix}function withoutSuffix(url){let end=url.search(/[?#]/);return end<0?url:url.slice(0,end)}import{isAbsolute,resolve as resolvePath,dirname}from"node:path";var SIBLINGS={".js":[".ts",".tsx"],".mjs":[".mts"],".cjs":[".cts"],".jsx":[".tsx"]},Resolver=class{#files;constructor(files){this.#files=files}before(query){let{
importer,kind}=query;if(importer===void 0)return;let{table}=this.#files,[specifier,suffix]=split(query),known=table.target(kind,importer,query.specifier)??(suffix?
table.target(kind,importer,specifier):void 0);if(known!==void 0&&this.#files.exists(known))return{path:known,suffix};if(!this.#isOurs(query))return;let path=pathLike(
query,specifier);if(path===void 0)return table.aliases&&!table.knows(importer)?this.#learn(query):void 0;if(!(!isTypeScript(importer)||this.#isPlainlyThere(path)))
return this.#ask(query)}afterFailure(query){if(!(query.asked||query.importer===void 0||!this.#isOurs(query)))try{return(this.#files.table.knows(query.importer)?
void 0:this.#learn(query))??this.#ask(query)}catch{return}}entry(path,from){let absolute=resolvePath(path);return isInPackage(absolute)||nodeModule()._findPath(
absolute,[""],!0)?path:this.afterFailure({specifier:absolute,importer:from,kind:"import"})?.path??path}#isOurs({importer="",specifier}){return!isInPackage(importer)&&
!importer.startsWith(`${__dirname}/`)&&!isBuiltin(specifier)&&(!/^[a-z][a-z\d+.-]*:/i.test(specifier)||specifier.startsWith("file:"))}#isPlainlyThere(path){let extension=extensionOf(
path);if(extension==="")return!1;let stem=path.slice(0,-extension.length);return this.#files.exists(path)&&!SIBLINGS[extension]?.some(other=>this.#files.exists(
stem+other))}#learn(query){let{importer="",kind}=query,{table}=this.#files;table.setKnown(importer),this.#files.learn({load:importer});let[specifier,suffix]=split(
query),path=table.target(kind,importer,query.specifier)??table.target(kind,importer,specifier);return path===void 0?void 0:{path,suffix}}#ask(query){let{importer="",
kind}=query,[specifier,suffix]=split(query);query.asked=!0;let{resolved}=this.#files.learn({resolve:specifier,from:importer,kind});if(typeof resolved=="string")
return this.#files.table.setTarget(kind,importer,specifier,resolved),{path:resolved,suffix}}};function split({specifier,kind}){let at=kind==="require"?-1:specifier.
slice(1).search(/[?#]/)+1;return at<=0?[specifier,""]:[specifier.slice(0,at),specifier.slice(at)]}function pathLike({importer="",kind},specifier){let relative=/^\.\.?(?:\/|$)/.
test(specifier);try{return kind==="require"?relative||isAbsolute(specifier)?resolvePath(dirname(importer),specifier):void 0:specifier.startsWith("file:")?pathOf(
specifier):relative||specifier.startsWith("/")?pathOf(new URL(specifier,urlOf(importer)).href):void 0}catch{return}}var NAMES=new Set(["@fulcrum/domain","fulcrum"]);function isSdk(specifier){return NAMES.has(specifier)}import{readFileSync as readFileSync3,statSync}from"node:fs";var TypeScriptFiles=class{ask;#config;#table;#observer;#stats=new Map;constructor(config,ask,observer={}){this.#config=config,this.ask=ask,this.#observer=observer}reconfigure(config){
this.#config=config,this.#table=void 0}get table(){return this.#table?this.#table:(this.#table=new Table,this.#add(readManifest(this.#config.manifest)),this.#table)}get openTable(){
return this.#table}learn(question){let answer=this.ask(question);return this.#add(answer),answer}#add(fragment){this.table.add(fragment),this.#observer.changed?.()}covers(path){
return isTypeScript(path)||this.table.has(extensionOf(path))&&this.table.file(path)!==void 0}exists(path){let stat=statSync(path,{throwIfNoEntry:!1});return stat?.
isFile()?(this.#stats.set(path,stat),!0):!1}load(path){let source=this.#load(path);return source&&this.#observer.loaded?.(path,source),source}#load(path){let stat=this.#stats.
get(path)??statSync(path);this.#stats.delete(path);let entry=this.table.file(path),source=entry&&isFresh(entry,stat,path)?read(entry):void 0;if(source)return source;
this.learn({load:path}),this.table.setKnown(path);let learned=this.table.file(path);if(!learned){if(isInPackage(path)||!isTypeScript(path))return;throw new SyntaxError(
`${path}: the helper returned no code for this file`)}let answer=read(learned);if(!answer)throw new SyntaxError(`${path}: its compiled code is missing: ${learned.
code??"no file"} cannot be read; check the permissions of the cache directory`);return answer}};function isFresh(entry,{size,mtimeMs},path){return size===entry.
size&&Math.floor(mtimeMs)===entry.mtime_ms||isInPackage(path)&&!isTypeScript(path)}function read({code,text,format,exports,error}){if(error!==void 0)throw new SyntaxError(
error);let source={format,exports:exports??null};if(text!==void 0)return{...source,code:text};try{return code===null?void 0:{...source,code:withReadableMap(readFileSync3(
code,"utf8"))}}catch{return}}var MAP_COMMENT="sourceMappingURL=";function withReadableMap(code){let at=code.lastIndexOf(MAP_COMMENT,code.length)+MAP_COMMENT.length;
return at>=MAP_COMMENT.length&&code.startsWith("file://",at)?code.slice(0,at)+code.slice(at+7):code}function readManifest(path){try{let{v,...fragment}=JSON.parse(
readFileSync3(path,"utf8"));return v===2?fragment:{}}catch{return{}}}var hooks,sdk=null;function initialize(data){if(sdk=data.sdk,!data.ts)return;let files=new TypeScriptFiles(data.ts,helper(data.ts.helper,()=>childProcess),{changed:()=>reportInputs(
files,data.modules)});hooks=new ImportHooks(files,new Resolver(files))}var reported=new Set;function reportInputs(files,modules){let fresh=[...files.table.inputs()].
filter(path=>!reported.has(path));for(let path of fresh)reported.add(path);if(!(modules===null||fresh.length===0))try{appendFileSync(modules,`${fresh.join(`
`)}
`)}catch{}}async function resolve(specifier,context,next){let query=hooks?.query(specifier,context.parentURL),done=result=>(query&&hooks?.note(query,context.parentURL,
result.url,context.importAttributes),result),url=query&&hooks?.before(query);if(url!==void 0)return done({url,shortCircuit:!0});try{return done(await next(specifier,
context))}catch(error){let late=query&&hooks?.afterFailure(query);if(late!==void 0)return done({url:late,shortCircuit:!0});let missing=error.code==="ERR_MODULE_\
NOT_FOUND";if(!sdk||!missing||!isSdk(specifier))throw error;return{url:sdk,format:"module",shortCircuit:!0}}}async function load(url,context,next){let found=hooks?.
load(url,context.importAttributes);return found?{...found,shortCircuit:!0}:next(url,context)}export{initialize,load,resolve};
