// What `cargo run -p book -- browse` asks of a page, with axe-core in the same
// tab. Each function returns what is wrong, as a list of sentences.
window.look = (function () {
    'use strict';

    const CONTRAST = 'color-contrast';

    const all = selector => Array.from(document.querySelectorAll(selector));
    const frame = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const unfold = open => all('main details').forEach(fold => { fold.open = open; });
    const isSeen = element => {
        const { top, height } = element.getBoundingClientRect();
        return element.checkVisibility() && height > 0 && top >= 0 && top < innerHeight;
    };

    // One element for each way of writing that no page has had yet, in a theme.
    function kinds(theme) {
        const seen = new Set(JSON.parse(localStorage.getItem(`seen-${theme}`) || '[]'));
        const kinds = [];
        const grounds = new Map();
        for (const element of all('html, body, body *')) {
            const style = getComputedStyle(element);
            const under = grounds.get(element.parentElement) || '';
            const own = style.backgroundColor;
            const isClear = own === 'rgba(0, 0, 0, 0)';
            const ground = isClear ? under : own.startsWith('rgb(') ? own : own + under;
            grounds.set(element, ground + (style.backgroundImage === 'none' ? '' : style.backgroundImage));
            const hasText = Array.from(element.childNodes).some(node => node.nodeType === 3 && node.data.trim());
            const name = [grounds.get(element), style.color, style.opacity, style.fontSize, style.fontWeight].join();
            if (hasText && !seen.has(name) && element.checkVisibility()) {
                seen.add(name);
                kinds.push(element);
            }
        }
        localStorage.setItem(`seen-${theme}`, JSON.stringify(Array.from(seen)));
        return kinds;
    }

    async function axeFinds(context, options) {
        const { violations } = await axe.run(context, { ...options, resultTypes: ['violations'], preload: false });
        return violations.map(({ id, help, nodes }) =>
            `${id}: ${help} (${nodes.length} times, first at ${nodes[0].target.join(' ')})`);
    }

    // WCAG 2.2, A and AA, with every fold open, less the contrasts.
    async function rules() {
        unfold(true);
        await frame();
        const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
        const options = { runOnly: { type: 'tag', values }, rules: { [CONTRAST]: { enabled: false } } };
        return axeFinds(document, options);
    }

    async function contrasts(theme) {
        unfold(true);
        document.head.insertAdjacentHTML('beforeend', '<style>* { transition: none !important }</style>');
        const button = document.getElementById(`mdbook-theme-${theme}`);
        if (button) {
            button.click();
        }
        await frame();
        const include = kinds(theme);
        return include.length === 0 ? [] : axeFinds({ include }, { runOnly: [CONTRAST] });
    }

    // The page never scrolls sideways, nor is cut; what is wide scrolls in its own box.
    async function width() {
        unfold(true);
        const list = document.querySelector('#mdbook-sidebar-toggle-anchor:checked');
        if (list && innerWidth < 1080) {
            list.click();
        }
        await frame();
        const page = document.querySelector('.page, main');
        if (page.scrollWidth <= page.clientWidth) {
            return [];
        }
        const isOut = element => element.getBoundingClientRect().right > innerWidth
            && element.checkVisibility() && !element.closest('pre, .wide, .table-wrapper');
        const first = Array.from(page.querySelectorAll('*')).find(isOut) || page;
        return [`${first.localName}.${first.className} leaves a window of ${innerWidth} px: ${first.innerText.slice(0, 60)}`];
    }

    // What is copied of a file of the steps is in the file, line after line.
    async function copies() {
        const problems = [];
        for (const listing of all('main .listing:has(a.source)')) {
            const { href, textContent: name } = listing.querySelector('a.source');
            // A solution is to be typed, and what is refused isn't to stay: neither is in the step.
            if (new URL(href).origin !== location.origin || listing.closest('.solution, .refused')) {
                continue;
            }
            const page = new DOMParser().parseFromString(await (await fetch(href)).text(), 'text/html');
            const file = page.querySelector('pre') || page.createElement('pre');
            const lines = file.textContent.split('\n').map(line => line.trim());
            let from = 0;
            for (const line of window.typed(listing.querySelector('code')).split('\n')) {
                // Where steps are compared, they all have this name.
                const isNamed = /task.engine/.test(line) || line.trim() === '';
                const found = isNamed ? from : lines.indexOf(line.trim(), from);
                if (found < 0) {
                    problems.push(`what is copied of ${name} isn't in it: ${line}`);
                    break;
                }
                from = found;
            }
        }
        return problems;
    }

    // A fold of «Le reste du diff», be it the first or the last, opens when one arrives at its anchor.
    async function anchors() {
        const problems = [];
        const folds = all('main details[id]');
        for (const fold of [folds[0], folds[folds.length - 1]].filter(Boolean)) {
            unfold(false);
            location.hash = fold.id;
            await frame();
            if (!fold.open || !isSeen(fold)) {
                problems.push(`one arrives at #${fold.id} and sees nothing`);
            }
        }
        return problems;
    }

    // The headings of a long table stay in sight.
    async function headings() {
        const problems = [];
        for (const table of all('main .acceptance')) {
            table.rows[Math.floor(table.rows.length / 2)].scrollIntoView();
            await frame();
            if (!isSeen(table.tHead.rows[0].cells[0])) {
                problems.push('the headings of the table of the checks scroll away');
            }
        }
        return problems;
    }

    // A word that is folded, and nowhere else on the page.
    function foldedWord() {
        const words = text => new Set(text.match(/[a-z]{6,}/g));
        unfold(true);
        const folded = words(all('main details[id]').map(fold => fold.innerText).join('\n'));
        unfold(false);
        const seen = words(document.querySelector('main').innerText);
        // The longest: a common one leads to other pages first.
        const longest = Array.from(folded).sort((one, other) => other.length - one.length);
        return longest.find(word => !Array.from(seen).some(other => other.includes(word)));
    }

    // Follows the result of the search that leads to this page.
    async function follow() {
        for (let tries = 0; tries < 300; tries += 1) {
            const results = all('#mdbook-searchresults a');
            const result = results.find(({ pathname }) => pathname === location.pathname);
            if (result) {
                return result.href;
            }
            await frame();
        }
        return null;
    }

    async function landed() {
        await frame();
        const marks = all('mark[data-markjs]');
        return marks.some(isSeen) ? [] : [`a search leads to none of its ${marks.length} marks`];
    }

    // The button under a caption, and what it should copy.
    async function copied(selector, expected) {
        const code = document.querySelector(selector);
        code.closest('.listing').querySelector('.clip-button').click();
        const text = await navigator.clipboard.readText();
        const lines = Array.from(code.querySelectorAll(expected), line => line.textContent.trimEnd());
        return text.trimEnd().split('\n').map(line => line.trimEnd()).join('\n') === lines.join('\n').trimEnd()
            ? [] : [`the button of ${selector} copies: ${text}`];
    }

    return { rules, contrasts, width, copies, anchors, headings, foldedWord, follow, landed, copied, isSeen };
})();
