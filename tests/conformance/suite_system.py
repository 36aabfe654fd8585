# SPDX-License-Identifier: Apache-2.0
"""The engine itself: what it says of itself and its host, and what it tells as it happens."""

import concurrent.futures
import os
import threading
import time

from nova_container.engine.state import Status


class SystemSuite:
    def test_the_engine_answers_a_ping(self, engine):
        began = time.monotonic()
        engine.ping(timeout_s=10)
        assert time.monotonic() - began < 10

    def test_the_engine_describes_itself_and_its_host(self, engine, engine_is_real):
        info = engine.info()
        told = ('name', 'version', 'runtime', 'kernel_version', 'operating_system', 'architecture',
                'hostname', 'state_dir', 'storage_driver')
        assert [field for field in told if not getattr(info, field)] == []
        assert info.cgroup_version in (1, 2)
        assert info.memory_bytes > 1 << 28
        if engine_is_real:
            assert (info.cpus, info.kernel_version) == (os.cpu_count(), os.uname().release)
            assert info.architecture in (os.uname().machine, 'amd64')

    def test_the_engine_counts_containers_and_images(self, engine, run, create, image):
        before = engine.info()
        run('sleep', '600')
        engine.pause(run('sleep', '600'))
        create('true')
        after = engine.info()
        assert {name: after.containers[name] - before.containers.get(name, 0)
                for name in ('running', 'paused', 'stopped')} == {'running': 1, 'paused': 1, 'stopped': 1}
        assert after.images >= 1

    def test_a_life_is_told_in_events(self, engine, create):
        container = create('sh', '-c', 'exit 3', labels={'conformance.l': 'v'})
        since = time.time() - 60
        engine.start(container)
        engine.wait(container, timeout_s=20)
        name = engine.inspect(container).name
        engine.remove(container)
        told = self.told_of(engine, container, since)
        actions = [event.action for event in told if event.action in ('create', 'start', 'die', 'destroy')]
        assert actions == ['create', 'start', 'die', 'destroy']
        died = next(event for event in told if event.action == 'die')
        assert died.type == 'container'
        assert died.attributes['exitCode'] == '3'
        assert died.attributes['name'] == name
        assert died.attributes['conformance.l'] == 'v'
        times = [event.time_ns for event in told]
        assert times == sorted(times)
        assert abs(times[-1] / 1e9 - time.time()) < 30

    def test_verbs_are_told_in_events(self, engine, run):
        since = time.time() - 60
        container = run('sleep', '600')
        engine.pause(container)
        engine.unpause(container)
        engine.rename(container, 'conformance-told')
        engine.stop(container, grace_s=0)
        actions = [event.action for event in self.told_of(engine, container, since)]
        kept = [action for action in actions if action in ('start', 'pause', 'unpause', 'rename', 'die', 'stop')]
        assert kept == ['start', 'pause', 'unpause', 'rename', 'die', 'stop']

    def test_events_come_as_they_happen(self, engine, run):
        container = run('sleep', '600')
        seen = []
        events = engine.events(until=time.time() + 20)

        def listen():
            for event in events:
                if event.actor_id == container:
                    seen.append(event.action)
                    if event.action == 'die':
                        return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        time.sleep(0.2)
        engine.kill(container)
        listener.join(15)
        assert seen[-1] == 'die'
        assert 'start' not in seen

    def test_events_end_at_the_time_given(self, engine):
        started = time.monotonic()
        list(engine.events(until=time.time() + 1))
        assert 0.5 < time.monotonic() - started < 10

    def test_many_threads_may_use_the_engine_at_once(self, engine, run):
        def live(number):
            container = run('sh', '-c', f'exit {number}')
            return engine.wait(container, timeout_s=60).code

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            assert list(pool.map(live, range(12))) == list(range(12))

    def test_one_stop_of_many_at_once_stops_and_the_rest_are_silent(self, engine, run):
        container = run('sleep', '600')
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for stopping in [pool.submit(engine.stop, container, grace_s=1) for _ in range(4)]:
                stopping.result(30)
        assert engine.inspect(container).status is Status.STOPPED

    def told_of(self, engine, container, since):
        told = []
        for event in engine.events(since=since, until=time.time() + 0.5):
            if container in (event.actor_id, event.attributes.get('container')):
                told.append(event)
        return told
