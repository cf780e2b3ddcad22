// SPDX-License-Identifier: GPL-2.0
/*
 * Codecs for memory that was evicted: the kernel's own, one page at a time.
 *
 * A table of those that the kernel was built with. Which one serves is found
 * by trying them on samples: the plain copy costs nothing, LZO-RLE is good at
 * long runs, LZ4 is the fastest to read back, ZSTD makes it smallest. So a
 * slower one is taken only when it saves a good deal more.
 */
#include <linux/lz4.h>
#include <linux/lzo.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/zstd.h>
#include <vgpu/kunit.h>
#include "tier.h"

/* What a page must become smaller than to be worth its time. */
#define WORTH		(PAGE_SIZE - PAGE_SIZE / 8)

#if IS_REACHABLE(CONFIG_LZ4_COMPRESS) && IS_REACHABLE(CONFIG_LZ4_DECOMPRESS)
#define HAVE_LZ4
static size_t lz4_work(void)
{
	return LZ4_MEM_COMPRESS;
}

static u32 lz4_pack(void *work, const void *src, void *dst)
{
	int n = LZ4_compress_default(src, dst, PAGE_SIZE, WORTH, work);

	return max(n, 0);
}

static bool lz4_unpack(void *work, const void *src, u32 bytes, void *dst)
{
	return LZ4_decompress_safe(src, dst, bytes, PAGE_SIZE) == PAGE_SIZE;
}
#endif

#if IS_REACHABLE(CONFIG_LZO_COMPRESS) && IS_REACHABLE(CONFIG_LZO_DECOMPRESS)
#define HAVE_LZO
static size_t lzo_work(void)
{
	return LZO1X_MEM_COMPRESS;
}

/* It knows no limit: VGPU_PACK_BYTES is for its worst case. */
static u32 lzo_pack(void *work, const void *src, void *dst)
{
	size_t n = VGPU_PACK_BYTES;

	BUILD_BUG_ON(VGPU_PACK_BYTES < lzo1x_worst_compress(PAGE_SIZE));
	if (lzorle1x_1_compress(src, PAGE_SIZE, dst, &n, work) != LZO_E_OK)
		return 0;
	return n;
}

static bool lzo_unpack(void *work, const void *src, u32 bytes, void *dst)
{
	size_t n = PAGE_SIZE;

	return lzo1x_decompress_safe(src, bytes, dst, &n) == LZO_E_OK &&
	       n == PAGE_SIZE;
}
#endif

#if IS_REACHABLE(CONFIG_ZSTD_COMPRESS) && IS_REACHABLE(CONFIG_ZSTD_DECOMPRESS)
#define HAVE_ZSTD
#define ZSTD_LEVEL	1

/* What to compress by is the first of the parameters. */
static size_t zstd_cctx_bytes(const zstd_parameters *params)
{
	return zstd_cctx_workspace_bound((const void *)params);
}

static size_t zstd_work(void)
{
	zstd_parameters params = zstd_get_params(ZSTD_LEVEL, PAGE_SIZE);

	return max(zstd_cctx_bytes(&params),
		   zstd_dctx_workspace_bound());
}

static u32 zstd_pack(void *work, const void *src, void *dst)
{
	zstd_parameters params = zstd_get_params(ZSTD_LEVEL, PAGE_SIZE);
	zstd_cctx *cctx;
	size_t n;

	cctx = zstd_init_cctx(work, zstd_cctx_bytes(&params));
	if (!cctx)
		return 0;
	n = zstd_compress_cctx(cctx, dst, WORTH, src, PAGE_SIZE, &params);
	return zstd_is_error(n) ? 0 : n;
}

static bool zstd_unpack(void *work, const void *src, u32 bytes, void *dst)
{
	zstd_dctx *dctx = zstd_init_dctx(work, zstd_dctx_workspace_bound());

	return dctx && zstd_decompress_dctx(dctx, dst, PAGE_SIZE, src,
					    bytes) == PAGE_SIZE;
}
#endif

static const struct vgpu_codec codecs[VGPU_CODECS] = {
	[VGPU_CODEC_PLAIN] = { .name = "plain" },
#ifdef HAVE_LZ4
	[VGPU_CODEC_LZ4] = { "lz4", 4, lz4_work, lz4_pack, lz4_unpack },
#endif
#ifdef HAVE_LZO
	[VGPU_CODEC_LZO_RLE] = { "lzo-rle", 5, lzo_work, lzo_pack, lzo_unpack },
#endif
#ifdef HAVE_ZSTD
	[VGPU_CODEC_ZSTD] = { "zstd", 6, zstd_work, zstd_pack, zstd_unpack },
#endif
};

/**
 * vgpu_codec_get() - a codec by its number
 * @id: VGPU_CODEC_*
 *
 * Return: the codec; NULL when the kernel was built without.
 */
const struct vgpu_codec *vgpu_codec_get(unsigned int id)
{
	return id < VGPU_CODECS && codecs[id].name ? &codecs[id] : NULL;
}

/**
 * vgpu_codec_work_bytes() - what the hungriest needs to work with
 *
 * Return: bytes of memory, aligned as vmalloc() does.
 */
size_t vgpu_codec_work_bytes(void)
{
	size_t bytes = sizeof(long);
	unsigned int id;

	for (id = 0; id < VGPU_CODECS; id++)
		if (codecs[id].work_bytes)
			bytes = max(bytes, codecs[id].work_bytes());
	return bytes;
}

/**
 * vgpu_codec_pack() - compresses a page
 * @id: VGPU_CODEC_*
 * @work: vgpu_codec_work_bytes()
 * @src: the page
 * @dst: VGPU_PACK_BYTES
 *
 * Context: any that may run for some microseconds.
 * Return: bytes; 0 when it is not worth it (or there is no such codec): keep
 * the page as it is.
 */
u32 vgpu_codec_pack(unsigned int id, void *work, const void *src, void *dst)
{
	const struct vgpu_codec *codec = vgpu_codec_get(id);
	u32 n;

	if (!codec || !codec->pack)
		return 0;
	n = codec->pack(work, src, dst);
	/* that few bytes stand for a page that is all one word */
	return n > sizeof(long) && n <= WORTH ? n : 0;
}

/**
 * vgpu_codec_unpack() - what vgpu_codec_pack() made, undone
 * @id: as then
 * @work: vgpu_codec_work_bytes()
 * @src: compressed
 * @bytes: as was returned then
 * @dst: a page
 *
 * Return: false when that is not what it was; @dst holds anything then.
 */
bool vgpu_codec_unpack(unsigned int id, void *work, const void *src, u32 bytes,
		       void *dst)
{
	const struct vgpu_codec *codec = vgpu_codec_get(id);

	return codec && codec->unpack && codec->unpack(work, src, bytes, dst);
}

/**
 * vgpu_codec_choose() - which codec serves memory like this
 * @work: vgpu_codec_work_bytes()
 * @dst: VGPU_PACK_BYTES
 * @sample: pages of it
 * @count: how many
 *
 * The least of cost times size wins, where costs are as of the table: four for
 * LZ4, five for LZO-RLE, six for ZSTD. Memory that none makes an eighth smaller
 * is kept plain.
 *
 * Return: VGPU_CODEC_*.
 */
unsigned int vgpu_codec_choose(void *work, void *dst, const void *const *sample,
			       unsigned int count)
{
	unsigned int id, i, best = VGPU_CODEC_PLAIN;
	u64 best_score = U64_MAX;

	for (id = 0; id < VGPU_CODECS; id++) {
		u64 bytes = 0, score;

		if (!codecs[id].pack)
			continue;
		for (i = 0; i < count; i++)
			bytes += vgpu_codec_pack(id, work, sample[i], dst) ?:
				 PAGE_SIZE;
		score = bytes * codecs[id].cost;
		if (bytes <= count * WORTH && score < best_score) {
			best = id;
			best_score = score;
		}
	}
	return best;
}

VGPU_EXPORT_IF_KUNIT(vgpu_codec_get);
VGPU_EXPORT_IF_KUNIT(vgpu_codec_work_bytes);
VGPU_EXPORT_IF_KUNIT(vgpu_codec_pack);
VGPU_EXPORT_IF_KUNIT(vgpu_codec_unpack);
VGPU_EXPORT_IF_KUNIT(vgpu_codec_choose);
