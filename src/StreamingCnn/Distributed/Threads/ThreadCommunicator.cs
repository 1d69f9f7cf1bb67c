using System.Numerics;

namespace StreamingCnn.Distributed.Threads;

/// <summary>A rank that is a thread.</summary>
internal sealed class ThreadCommunicator(RankGroup group, int rank) : ICommunicator
{
    private long gatherings;

    public int Rank => rank;

    public int Size => group.Size;

    public IPendingMessage Sum(MessageMemory memory)
    {
        MessageCheck.Addable(memory);
        return Join($"{nameof(Sum)} of {memory.Count} x {memory.Type}", memory, parts =>
        {
            var all = parts.Cast<MessageMemory>().ToArray();
            switch (memory.Type)
            {
                case MessageType.Single:
                    Add<float>(all);
                    break;
                case MessageType.Double:
                    Add<double>(all);
                    break;
                default:
                    Add<long>(all);
                    break;
            }

            return null;
        });
    }

    public IPendingMessage Broadcast(MessageMemory memory, int from)
    {
        MessageCheck.Rank(from, Size);
        return Join($"{nameof(Broadcast)} of {memory.Count} x {memory.Type} from {from}", memory, parts =>
        {
            var all = parts.Cast<MessageMemory>().ToArray();
            for (var to = 0; to < all.Length; to++)
            {
                if (to != from)
                    RankGroup.Copy(all[from], all[to]);
            }

            return null;
        });
    }

    public IPendingMessage Send(MessageMemory memory, int to, int tag = 0)
    {
        MessageCheck.Rank(to, Size);
        return group.Post(rank, to, tag, memory, isSent: true);
    }

    public IPendingMessage Receive(MessageMemory memory, int from, int tag = 0)
    {
        MessageCheck.Rank(from, Size);
        return group.Post(from, rank, tag, memory, isSent: false);
    }

    public IPendingMessage Barrier() => Join(nameof(Barrier), null, _ => null);

    public ICommunicator Split(int group, int order)
    {
        var gathering = Join(nameof(Split), (group, order), Divide);
        gathering.Wait();
        return ((ThreadCommunicator[])gathering.Result!)[rank];
    }

    public void Abort(string sentence)
    {
        group.Room.Fail(sentence);
        throw new CommunicatorException(sentence);
    }

    public void Dispose()
    {
    }

    private Gathering Join(string kind, object? part, Func<object?[], object?> finish) =>
        group.Join(gatherings++, rank, kind, part, finish);

    private ThreadCommunicator[] Divide(object?[] parts)
    {
        var all = parts.Cast<(int Group, int Order)>().ToArray();
        var divided = new ThreadCommunicator[all.Length];
        foreach (var ranks in Enumerable.Range(0, all.Length).GroupBy(number => all[number].Group))
        {
            int[] ordered = [.. ranks.OrderBy(number => all[number].Order)];
            var smaller = new RankGroup(group.Room, [.. ordered.Select(group.Member)]);
            for (var number = 0; number < ordered.Length; number++)
                divided[ordered[number]] = new(smaller, number);
        }

        return divided;
    }

    private static unsafe void Add<T>(MessageMemory[] all)
        where T : unmanaged, INumber<T>
    {
        var total = (T*)all[0].Address;
        for (long i = 0; i < all[0].Count; i++)
        {
            for (var other = 1; other < all.Length; other++)
                total[i] += ((T*)all[other].Address)[i];
        }

        foreach (var other in all.Skip(1))
            RankGroup.Copy(all[0], other);
    }
}
