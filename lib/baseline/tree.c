/// The balanced tree: recursive, since no path is long; a search for a block goes down by its key, so no node knows its
/// parent.
#include "tree_internal.h"

static size_t height(const struct tree_node *node)
{
    return node ? node->height : 0;
}

static void update(struct tree_node *node)
{
    const size_t left = height(node->left);
    const size_t right = height(node->right);
    node->height = (left > right ? left : right) + 1;
}

/// The strict order of the tree: by size and then address, or by address.
static bool comes_before(const struct tree *tree, const struct tree_node *a, const struct tree_node *b)
{
    if (tree->by_size) {
        const size_t size_a = fit_size(tree_block(tree, a));
        const size_t size_b = fit_size(tree_block(tree, b));
        if (size_a != size_b)
            return size_a < size_b;
    }
    return a < b;
}

static struct tree_node *rotate_right(struct tree_node *node)
{
    struct tree_node *left = node->left;
    node->left = left->right;
    left->right = node;
    update(node);
    update(left);
    return left;
}

static struct tree_node *rotate_left(struct tree_node *node)
{
    struct tree_node *right = node->right;
    node->right = right->left;
    right->left = node;
    update(node);
    update(right);
    return right;
}

/// Makes a tree whose subtrees are in balance, and differ by at most two levels, one that is in balance itself.
static struct tree_node *balance(struct tree_node *node)
{
    if (height(node->left) > height(node->right) + 1) {
        if (height(node->left->left) < height(node->left->right))
            node->left = rotate_left(node->left);
        return rotate_right(node);
    }
    if (height(node->right) > height(node->left) + 1) {
        if (height(node->right->right) < height(node->right->left))
            node->right = rotate_right(node->right);
        return rotate_left(node);
    }
    update(node);
    return node;
}

/// Each of these three takes the root of a tree and returns that of the tree after the change.
static struct tree_node *insert(const struct tree *tree, struct tree_node *root, struct tree_node *node)
{
    if (!root)
        return node;
    assert(root != node);
    if (comes_before(tree, node, root))
        root->left = insert(tree, root->left, node);
    else
        root->right = insert(tree, root->right, node);
    return balance(root);
}

static struct tree_node *remove_first(struct tree_node *root, struct tree_node **first)
{
    if (!root->left) {
        *first = root;
        return root->right;
    }
    root->left = remove_first(root->left, first);
    return balance(root);
}

static struct tree_node *drop(const struct tree *tree, struct tree_node *root, const struct tree_node *node)
{
    assert(root && "the block is in the tree");
    if (root != node) {
        if (comes_before(tree, node, root))
            root->left = drop(tree, root->left, node);
        else
            root->right = drop(tree, root->right, node);
        return balance(root);
    }
    if (!root->right)
        return root->left;
    struct tree_node *first;
    struct tree_node *right = remove_first(root->right, &first);
    first->left = root->left;
    first->right = right;
    return balance(first);
}

void tree_insert(struct tree *tree, struct block *b)
{
    struct tree_node *node = above(b, tree->offset);
    *node = (struct tree_node){.height = 1};
    tree->root = insert(tree, tree->root, node);
}

void tree_remove(struct tree *tree, struct block *b)
{
    tree->root = drop(tree, tree->root, above(b, tree->offset));
}

struct block *tree_best_fit(const struct tree *tree, size_t bytes)
{
    assert(tree->by_size);

    struct block *best = NULL;
    for (const struct tree_node *node = tree->root; node;) {
        struct block *b = tree_block(tree, node);
        if (fit_size(b) >= bytes) {
            best = b;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return best;
}

struct block *tree_next_below(const struct tree *tree, const struct block *b)
{
    assert(!tree->by_size);

    struct block *highest = NULL;
    for (const struct tree_node *node = tree->root; node;) {
        if (tree_block(tree, node) < b) {
            highest = tree_block(tree, node);
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return highest;
}

static struct block *search(const struct tree *tree, const struct tree_node *node,
                            bool (*is_it)(const void *context, const struct block *b), const void *context)
{
    if (!node)
        return NULL;
    struct block *found = search(tree, node->left, is_it, context);
    if (found)
        return found;
    if (is_it(context, tree_block(tree, node)))
        return tree_block(tree, node);
    return search(tree, node->right, is_it, context);
}

struct block *tree_search(const struct tree *tree, bool (*is_it)(const void *context, const struct block *b),
                          const void *context)
{
    return search(tree, tree->root, is_it, context);
}

/// What the check has seen so far: nodes come in order.
struct seen {
    const struct tree_node *last;
    size_t count;
    size_t most;
};

static const char *check(const struct tree *tree, const struct tree_node *node, struct seen *seen)
{
    if (!node)
        return NULL;
    if (++seen->count > seen->most)
        return "a tree holds more blocks than are free";
    const char *damage = check(tree, node->left, seen);
    if (damage)
        return damage;
    if (!is_free(tree_block(tree, node)))
        return "a block in a tree is not free";
    if (seen->last && !comes_before(tree, seen->last, node))
        return tree->by_size ? "the tree by size is out of order" : "the tree by address is out of order";
    seen->last = node;
    damage = check(tree, node->right, seen);
    if (damage)
        return damage;

    const size_t left = height(node->left);
    const size_t right = height(node->right);
    if (left > right + 1 || right > left + 1)
        return "a tree is out of balance";
    return node->height == (left > right ? left : right) + 1 ? NULL : "a node of a tree does not know its height";
}

const char *tree_check(const struct tree *tree, size_t count)
{
    struct seen seen = {.most = count};
    const char *damage = check(tree, tree->root, &seen);
    if (damage)
        return damage;
    return seen.count == count ? NULL : "a tree lacks a free block";
}
