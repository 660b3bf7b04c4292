/* SPDX-License-Identifier: MIT */
/*
 * Decides how a CPU's TLB is flushed.
 *
 * What a flush must reach (SDM vol. 3, 4.10.4): the translations that the batch has changed, and
 * the paging-structure caches where they point to tables that it will free. Four facts decide how.
 *
 * 1. A table goes only in a batch that has recorded an address below it, or all. INVLPG
 *    drops the current PCID's whole paging-structure caches, INVPCID type 0 at least what leads to
 *    its address: so flushing the addresses drops the way to the tables as well.
 * 2. The upper half is the same in every space, so its entries may be in the TLB under every PCID.
 *    INVLPG reaches other PCIDs only for global translations, and never for their paging-structure
 *    caches. A flush of everything (INVPCID type 2, or a change of CR4.PGE) reaches all.
 * 3. Without PCIDs every switch flushes all but the global translations, which the lower half never
 *    has: of a space that is not current, the TLB holds nothing of the lower half.
 * 4. Translations under a PCID are used only while it is the current one. So they may be flushed as
 *    late as the switch to it, even after their tables have been freed.
 */
#include <exo/tlb.h>

static enum tlb_action flush_everything(const struct tlb_features *features)
{
	return features->invpcid ? TLB_ALL : TLB_ALL_TOGGLE;
}

/* The upper half has changed, and perhaps the lower one too. */
static enum tlb_action decide_upper(const struct page_batch *batch, bool all, bool current,
				    const struct tlb_features *features)
{
	if (!features->pcid) {
		if (!all)
			return TLB_ADDRESSES;
		return features->global ? flush_everything(features) : TLB_SPACE;
	}
	if (!all && features->global && !batch->tables && (current || !batch->lower))
		return TLB_ADDRESSES;
	return flush_everything(features);
}

enum tlb_action tlb_decide(const struct page_batch *batch, bool current,
			   const struct tlb_features *features)
{
	bool all = batch->all;
	uint64_t addresses = 0;

	if (!batch->nr_runs && !all)
		return TLB_NOTHING;
	for (unsigned int i = 0; i < batch->nr_runs; i++)
		addresses += (batch->runs[i].end - batch->runs[i].first) / PAGE_SIZE;
	all |= addresses > TLB_ADDRESSES_MAX;
	if (batch->upper)
		return decide_upper(batch, all, current, features);
	if (current)
		return all ? TLB_SPACE : TLB_ADDRESSES;
	if (!features->pcid)
		return TLB_NOTHING;
	if (!features->invpcid)
		return TLB_LATER;
	return all ? TLB_SPACE_PCID : TLB_ADDRESSES_PCID;
}
