// What the pages do that mdBook's own scripts don't. Without it they can be
// read all the same.
(function () {
    'use strict';

    // The lines that go and those that come are two texts: highlight.js takes them for one, and ends
    // the strings of the ones with the quotes of the others.
    document.querySelectorAll('.diff > code:has(del)').forEach(code => {
        code.querySelectorAll('[class^="hljs-"]').forEach(span => span.replaceWith(...span.childNodes));
        const colour = left => {
            const text = code.cloneNode(true);
            text.querySelectorAll(left).forEach(line => line.remove());
            window.hljs.highlightBlock(text);
            return text.querySelectorAll('.same, .gap, .add, .del');
        };
        const after = Array.from(colour('.del'));
        const before = Array.from(colour('.add')).filter(line => line.localName === 'del');
        const lines = Array.from(code.children, line => (line.localName === 'del' ? before : after).shift());
        code.replaceChildren(...lines);
    });

    // What one would type: the code that comes out of a diff, the commands of a session.
    window.typed = function (code) {
        if (code.classList.contains('session')) {
            return Array.from(code.querySelectorAll('b'), line => line.textContent + '\n').join('');
        }
        const copy = code.cloneNode(true);
        copy.querySelectorAll('.del, .gap').forEach(line => line.remove());
        return copy.textContent;
    };

    // The button that copies stands in the caption, where it hides no code.
    document.querySelectorAll('.listing .buttons').forEach(buttons => {
        const caption = buttons.closest('.listing').querySelector('figcaption');
        if (caption) {
            caption.append(buttons);
        }
    });

    // A block that scrolls can be reached, so that the arrows scroll it, and shows that there is more.
    function look({ target }) {
        const hidden = target.scrollWidth - target.clientWidth;
        target.classList.toggle('more', target.scrollLeft < hidden - 1);
        if (hidden > 0) {
            target.tabIndex = 0;
        } else {
            target.removeAttribute('tabindex');
        }
    }
    const sizes = new ResizeObserver(entries => entries.forEach(look));
    document.querySelectorAll('main pre > code, main .wide, main .table-wrapper').forEach(block => {
        sizes.observe(block);
        block.addEventListener('scroll', look, { passive: true });
    });

    function reveal(element, block) {
        for (let fold = element; fold; fold = fold.parentElement.closest('details')) {
            if (fold.localName === 'details') {
                fold.open = true;
            }
        }
        element.scrollIntoView({ block });
    }

    function target() {
        return document.getElementById(decodeURIComponent(location.hash.slice(1)));
    }

    function openTarget() {
        const element = target();
        if (element && element.closest('main details')) {
            reveal(element, 'start');
        }
    }
    // A search leads to a title: go on to where most of its words stand together, folded or not.
    function goToWords() {
        const follows = (a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING;
        const titles = Array.from(document.querySelectorAll('main :is(h1, h2, h3, h4)[id]'));
        const from = target() || document.querySelector('main');
        const until = titles.find(title => follows(from, title) && !from.contains(title));
        const found = new Map();
        document.querySelectorAll('main mark[data-markjs]').forEach(mark => {
            if ((from.contains(mark) || follows(from, mark)) && !(until && follows(until, mark))) {
                const block = mark.closest('p, li, pre, td, th, dt, dd, summary, figcaption') || mark;
                found.set(block, (found.get(block) || new Set()).add(mark.textContent.toLowerCase()));
            }
        });
        const most = Math.max(...Array.from(found.values(), words => words.size));
        const best = Array.from(found).find(([, words]) => words.size === most);
        if (best) {
            const [block] = best;
            reveal(block.matches('mark') ? block : block.querySelector('mark'), 'center');
        }
    }

    window.addEventListener('hashchange', openTarget);
    // Not before: until then the browser goes back to the target.
    window.addEventListener('load', () => {
        openTarget();
        goToWords();
    });

    // mdBook hides its list of chapters for good when it folds it, unless its label is clicked; and
    // leaves it in front of a narrow page, when one has chosen a title of that page.
    const box = document.getElementById('mdbook-sidebar-toggle-anchor');
    const list = document.getElementById('mdbook-sidebar');
    box.addEventListener('change', () => {
        if (box.checked) {
            list.style.display = '';
        }
    });
    list.addEventListener('click', ({ target }) => {
        if (box.checked && innerWidth < 620 && target.closest('a')) {
            box.click();
        }
    });
})();
