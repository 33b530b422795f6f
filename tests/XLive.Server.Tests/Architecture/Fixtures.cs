// Types that break the rules on purpose, under the names of the server's folders. Telemetry stands far above Door.

using System.Runtime.CompilerServices;
using XLive.Server.Door;

#pragma warning disable CA1823, CS0169, CS0649, CS0414 // fields nobody uses are what is tested

namespace XLive.Server.Door
{
    internal interface IFixtureDoor;

    internal class FixtureDoor : IFixtureDoor
    {
        public static readonly int Width = Environment.ProcessorCount;

        public static int Open() => Width;

        public static T Pass<T>(T value) => value;
    }

    internal sealed class FixtureDoorException : Exception;

    [AttributeUsage(AttributeTargets.All)]
    internal sealed class FixtureDoorAttribute : Attribute;

    internal sealed class FixtureAllowed
    {
        private readonly Telemetry.FixtureClean _clean = new();
        private readonly FixtureDoor _door = new();
    }
}

namespace XLive.Server.Telemetry
{
    [AttributeUsage(AttributeTargets.All)]
    internal sealed class FixtureKindAttribute(params Type[] types) : Attribute
    {
        public Type[] Types { get; } = types;
    }

    internal sealed class FixtureClean
    {
        private readonly List<FixtureClean> _others = [];

        public async Task<int> Count()
        {
            await Task.Yield();
            return _others.Count(o => o != this);
        }
    }

    internal sealed class UseAsBase : FixtureDoor;

    internal sealed class UseAsInterface : IFixtureDoor;

    internal sealed class UseAsField
    {
        private readonly FixtureDoor? _door;
    }

    internal sealed class UseAsArrayField
    {
        private readonly FixtureDoor[,]? _doors;
    }

    internal abstract class UseAsProperty
    {
        public abstract FixtureDoor Door { get; }
    }

    internal abstract class UseAsParameter
    {
        public abstract void Take(ref FixtureDoor door);
    }

    internal abstract class UseAsResult
    {
        public abstract FixtureDoor Give();
    }

    internal sealed class UseAsGenericArgument
    {
        private readonly Dictionary<string, List<FixtureDoor>>? _doors;
    }

    internal sealed class UseAsConstraint<T> where T : FixtureDoor;

    internal abstract class UseAsMethodConstraint
    {
        public abstract void Take<T>() where T : IFixtureDoor;
    }

    internal abstract unsafe class UseAsFunctionPointer
    {
        private delegate*<FixtureDoor, void> _pointer;
    }

    [FixtureDoor]
    internal sealed class UseAsAttribute;

    internal abstract class UseAsParameterAttribute
    {
        public abstract void Take([FixtureDoor] int value);
    }

    [FixtureKind(typeof(string), typeof(FixtureDoor))]
    internal sealed class UseAsAttributeArgument;

    internal sealed class UseInCall
    {
        public int Go() => FixtureDoor.Open();
    }

    internal sealed class UseInConstructor
    {
        private readonly object _door = new FixtureDoor();
    }

    internal sealed class UseInStaticConstructor
    {
        private static readonly int Width = FixtureDoor.Width;
    }

    internal sealed class UseInGenericCall
    {
        public object? Go() => Array.Empty<FixtureDoor>();
    }

    internal sealed class UseInCast
    {
        public bool Go(object o) => o is FixtureDoor;
    }

    internal sealed class UseInTypeof
    {
        public string Go() => typeof(FixtureDoor).Name;
    }

    internal sealed class UseInCatch
    {
        public int Go()
        {
            try
            {
                return Environment.TickCount;
            }
            catch (FixtureDoorException)
            {
                return 0;
            }
        }
    }

    internal sealed class UseAfterSwitch
    {
        // A jump table before the use: a walker that loses its step here sees nothing after.
        public int Go(int n) => n switch { 0 => 5, 1 => 7, 2 => 11, 3 => 13, 4 => 17, 5 => FixtureDoor.Open(), _ => (int)(n * 1.5 + 9_000_000_000L) };
    }

    internal sealed class UseInAsync
    {
        public async Task Go()
        {
            await Task.Yield();
            FixtureDoor.Open();
        }
    }

    internal sealed class UseInIterator
    {
        public IEnumerable<int> Go()
        {
            yield return FixtureDoor.Open();
        }
    }

    internal sealed class UseInLambda
    {
        public Func<int> Go() => static () => FixtureDoor.Open();
    }

    internal sealed class UseInClosure
    {
        public Func<int> Go(int n) => () => n + FixtureDoor.Open();
    }

    internal sealed class UseInLocalFunction
    {
        public int Go()
        {
            return Local();

            [MethodImpl(MethodImplOptions.NoInlining)]
            static int Local() => FixtureDoor.Open();
        }
    }

    internal sealed class UseInGenericType<T>
    {
        public T Go(T value) => FixtureDoor.Pass(value);
    }

    internal sealed class UseInNested
    {
        private sealed class Deep
        {
            public int Go() => FixtureDoor.Open();
        }
    }

    internal sealed class UseOfRoot
    {
        public string Go() => typeof(Program).Name;
    }

    internal sealed class UseOfUnknownFolder
    {
        private readonly Helpers.FixtureLost? _lost;
    }
}

namespace XLive.Server.Helpers
{
    internal sealed class FixtureLost;
}

namespace XLive.Server.Door.Inner
{
    internal sealed class FixtureTooDeep;
}

namespace XLive.Server
{
    internal sealed class FixtureInRoot;
}

namespace XLive.Server.Ingest.Pull
{
    internal sealed class FixtureIngest
    {
        private readonly Playback.Hls.FixtureFree? _playback;
    }

    internal sealed class FixtureSource
    {
        private readonly Live.FixtureHub? _hub;
    }
}

namespace XLive.Server.Playback.Hls
{
    internal sealed class FixturePlayback
    {
        private readonly Ingest.Pull.FixtureSource? _source;
    }

    internal sealed class FixtureFree
    {
        private readonly Live.FixtureHub? _hub;
    }
}

namespace XLive.Server.Live
{
    internal sealed class FixtureHub;
}
