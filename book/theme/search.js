// Makes elasticlunr read French: «l'état», «État» and «états» are one word, «etat».
// The index that comes with the book was cut at spaces only, so it is made
// again, from the texts that it holds, when the reader first searches.
(function () {
    'use strict';

    const ELISION = /^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu|presqu)['’]/;
    const NOT_IN_WORDS = /[^\p{L}\p{N}_'’]+/u;
    const STOP = new Set(('a ai au aux avec ce ces cet cette dans de des du elle en est et eux il '
        + 'ils je la le les leur lui ma mais me mes mon ne nos notre nous on ou par pas pour qu que '
        + 'qui sa se ses son sur ta te tes toi ton tu un une vos votre vous').split(' '));

    function fold(text) {
        return text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '')
            .replace(/œ/g, 'oe').replace(/æ/g, 'ae');
    }

    // Plurals, feminines and infinitives meet; more would bring strangers together.
    function stem(word) {
        if (word.length > 4 && word.endsWith('aux')) {
            return word.slice(0, -3) + 'al';
        }
        if (word.length > 3 && /[^s]s$|x$/.test(word)) {
            word = word.slice(0, -1);
        }
        if (word.length > 5) {
            word = word.replace(/er$/, '').replace(/e+$/, '');
        }
        return word;
    }

    function words(text) {
        return fold(String(text)).split(NOT_IN_WORDS)
            .map(word => word.replace(ELISION, '').replace(/^['’]+|['’]+$/g, ''))
            .filter(word => word !== '');
    }

    elasticlunr.tokenizer = function (text) {
        const parts = text === null || text === undefined ? [] : [].concat(text);
        return parts.flatMap(words).filter(word => !STOP.has(word)).map(stem);
    };

    // Used for the extract under each result. Nothing begins with a line feed:
    // a word without letters never matches.
    elasticlunr.stemmer = function (word) {
        const found = words(word.replace(/&#39;/g, "'"));
        return found.length === 0 ? '\n' : stem(found[0]);
    };

    elasticlunr.Index.load = function (dump) {
        const index = new elasticlunr.Index();
        dump.fields.forEach(field => index.addField(field));
        index.setRef(dump.ref);
        Object.values(dump.documentStore.docs).forEach(doc => index.addDoc(doc, false));
        return index;
    };
})();
